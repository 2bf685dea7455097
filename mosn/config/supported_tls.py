"""What is implemented of transport sockets and client certificates: the part of supported.py that is about them."""

from __future__ import annotations

_TLS = "envoy.extensions.transport_sockets.tls.v3."
DOWNSTREAM = f"{_TLS}DownstreamTlsContext"
UPSTREAM = f"{_TLS}UpstreamTlsContext"
CONTEXTS = (DOWNSTREAM, UPSTREAM)
_SOCKETS = "envoy.extensions.transport_sockets."
_HCM = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"

TABLE: dict[str, str] = {
    f"{_SOCKETS}raw_buffer.v3.RawBuffer": "",
    f"{_SOCKETS}proxy_protocol.v3.ProxyProtocolUpstreamTransport": "config transport_socket",
    f"{_HCM}.SetCurrentClientCertDetails": "subject cert chain dns uri",
    f"{_TLS}DownstreamTlsContext":
        "common_tls_context require_client_certificate require_sni session_ticket_keys "
        "disable_stateless_session_resumption session_timeout prefer_client_ciphers",
    f"{_TLS}UpstreamTlsContext": "common_tls_context sni auto_host_sni auto_sni_san_validation max_session_keys",
    f"{_TLS}CommonTlsContext": "tls_params tls_certificates validation_context alpn_protocols",
    f"{_TLS}TlsParameters":
        "tls_minimum_protocol_version tls_maximum_protocol_version cipher_suites ecdh_curves signature_algorithms",
    f"{_TLS}TlsCertificate": "certificate_chain private_key password ocsp_staple",
    f"{_TLS}CertificateValidationContext":
        "trusted_ca system_root_certs verify_certificate_spki verify_certificate_hash match_typed_subject_alt_names "
        "match_subject_alt_names crl allow_expired_certificate trust_chain_verification only_verify_leaf_cert_crl "
        "max_verify_depth",
    f"{_TLS}CertificateValidationContext.SystemRootCerts": "",
    f"{_TLS}SubjectAltNameMatcher": "san_type matcher",
    f"{_TLS}TlsSessionTicketKeys": "keys",
}  # fmt: skip

NO_EFFECT: dict[str, str] = {
    f"{_TLS}DownstreamTlsContext.disable_stateful_session_resumption": "sessions are only kept in tickets",
    f"{_TLS}DownstreamTlsContext.full_scan_certs_on_sni_mismatch": "who asks for an unknown name gets the first one",
    f"{_TLS}UpstreamTlsContext.enforce_rsa_key_usage": "key usage is always checked",
    f"{_TLS}TlsCertificate.watched_directory": "every file that the configuration names is watched",
    f"{_TLS}CertificateValidationContext.watched_directory": "every file that the configuration names is watched",
}

_FROM_SERVER = "configuration from a management server is not implemented"
_PLUGIN = "certificate and handshake plug-ins are not implemented"

REFUSED: dict[str, str] = {
    f"{_TLS}DownstreamTlsContext.session_ticket_keys_sds_secret_config": _FROM_SERVER,
    f"{_TLS}DownstreamTlsContext.ocsp_staple_policy": "staples are sent where there is one",
    f"{_TLS}UpstreamTlsContext.allow_renegotiation": "renegotiation is always refused",
    f"{_TLS}CommonTlsContext.tls_certificate_sds_secret_configs": _FROM_SERVER,
    f"{_TLS}CommonTlsContext.validation_context_sds_secret_config": _FROM_SERVER,
    f"{_TLS}CommonTlsContext.combined_validation_context": _FROM_SERVER,
    f"{_TLS}CommonTlsContext.tls_certificate_provider_instance": _PLUGIN,
    f"{_TLS}CommonTlsContext.tls_certificate_certificate_provider": _PLUGIN,
    f"{_TLS}CommonTlsContext.tls_certificate_certificate_provider_instance": _PLUGIN,
    f"{_TLS}CommonTlsContext.validation_context_certificate_provider": _PLUGIN,
    f"{_TLS}CommonTlsContext.validation_context_certificate_provider_instance": _PLUGIN,
    f"{_TLS}CommonTlsContext.custom_tls_certificate_selector": _PLUGIN,
    f"{_TLS}CommonTlsContext.custom_handshaker": _PLUGIN,
    f"{_TLS}CommonTlsContext.key_log": "keys are never written anywhere",
    f"{_TLS}TlsParameters.compliance_policies": "give versions, ciphers and curves instead",
    f"{_TLS}TlsCertificate.pkcs12": "give certificate_chain and private_key in PEM form",
    f"{_TLS}TlsCertificate.private_key_provider": _PLUGIN,
    f"{_TLS}TlsCertificate.signed_certificate_timestamp": "signed certificate timestamps are not implemented",
    f"{_TLS}CertificateValidationContext.ca_certificate_provider_instance": _PLUGIN,
    f"{_TLS}CertificateValidationContext.require_signed_certificate_timestamp": "Envoy does not implement it either",
    f"{_TLS}CertificateValidationContext.custom_validator_config": _PLUGIN,
    f"{_TLS}SubjectAltNameMatcher.oid": "names of the type OTHER_NAME are not implemented",
}
