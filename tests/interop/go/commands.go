package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

type command func(options url.Values) (any, error)

// Commands from standard input, one line each ("do=call&text=hello", percent-encoded), and one line of JSON for each.
func serve(commands map[string]command) {
	out := answers()
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		options, err := url.ParseQuery(lines.Text())
		answer := map[string]any{}
		begun := time.Now()
		if err == nil {
			answer["value"], err = commands[options.Get("do")](options)
		}
		if err != nil {
			answer = map[string]any{"error": fmt.Sprintf("%T", err), "text": err.Error()}
		}
		answer["ms"] = time.Since(begun).Milliseconds()
		line, _ := json.Marshal(answer)
		fmt.Fprintf(out, "%s\n", line)
	}
}

// Standard output, which nobody else writes to any more: frameworks have opened it already, and talk.
func answers() *os.File {
	own, err := syscall.Dup(1)
	if err == nil {
		err = syscall.Dup3(2, 1, 0)
	}
	if err != nil {
		panic(err)
	}
	return os.NewFile(uintptr(own), "answers")
}

// `calls` calls by each of `callers` that run side by side; every answer has to be what its own caller asked for.
func parallel(callers, calls int, echo func(text string) (string, error)) map[string]int64 {
	var right, wrong, failed atomic.Int64
	var running sync.WaitGroup
	for number := range callers {
		running.Add(1)
		go func() {
			defer running.Done()
			for i := range calls {
				text := fmt.Sprintf("%d asks %d", number, i)
				if got, err := echo(text); err != nil {
					failed.Add(1)
				} else if got == text {
					right.Add(1)
				} else {
					wrong.Add(1)
				}
			}
		}()
	}
	running.Wait()
	return map[string]int64{"right": right.Load(), "wrong": wrong.Load(), "failed": failed.Load()}
}
