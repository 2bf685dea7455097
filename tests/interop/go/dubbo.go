// A dubbo-go server and clients, as the commands say.
package main

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"time"

	"dubbo.apache.org/dubbo-go/v3/client"
	_ "dubbo.apache.org/dubbo-go/v3/cluster/cluster/failfast"
	_ "dubbo.apache.org/dubbo-go/v3/cluster/loadbalance/random"
	"dubbo.apache.org/dubbo-go/v3/common/constant"
	_ "dubbo.apache.org/dubbo-go/v3/filter/accesslog"
	_ "dubbo.apache.org/dubbo-go/v3/filter/echo"
	_ "dubbo.apache.org/dubbo-go/v3/filter/exec_limit"
	_ "dubbo.apache.org/dubbo-go/v3/filter/generic"
	_ "dubbo.apache.org/dubbo-go/v3/filter/graceful_shutdown"
	_ "dubbo.apache.org/dubbo-go/v3/filter/token"
	_ "dubbo.apache.org/dubbo-go/v3/filter/tps"
	"dubbo.apache.org/dubbo-go/v3/protocol"
	_ "dubbo.apache.org/dubbo-go/v3/protocol/dubbo"
	_ "dubbo.apache.org/dubbo-go/v3/proxy/proxy_factory"
	"dubbo.apache.org/dubbo-go/v3/server"
)

const (
	service = "example.Example"
	group   = "blue"
	version = "1.0.0"
)

// Example is what a server offers; the methods of java/example/Example.java that a test calls.
type Example struct {
	name string
}

func (e *Example) Echo(_ context.Context, text string) (string, error) { return text, nil }
func (e *Example) Where(_ context.Context) (string, error)             { return e.name, nil }
func (e *Example) Fail(_ context.Context, text string) (string, error) { return "", errors.New(text) }

func (e *Example) Sleep(_ context.Context, milliseconds int32, text string) (string, error) {
	time.Sleep(time.Duration(milliseconds) * time.Millisecond)
	return text, nil
}

func (e *Example) Bytes(_ context.Context, bytes []byte) ([]byte, error) { return bytes, nil }

func (e *Example) Reference() string { return service }

func (e *Example) MethodMapper() map[string]string {
	return map[string]string{"Echo": "echo", "Where": "where", "Fail": "fail", "Sleep": "sleep", "Bytes": "bytes"}
}

// Stub is what a client calls.
type Stub struct {
	Echo  func(ctx context.Context, text string) (string, error)                     `dubbo:"echo"`
	Where func(ctx context.Context) (string, error)                                  `dubbo:"where"`
	Fail  func(ctx context.Context, text string) (string, error)                     `dubbo:"fail"`
	Sleep func(ctx context.Context, milliseconds int32, text string) (string, error) `dubbo:"sleep"`
	Bytes func(ctx context.Context, bytes []byte) ([]byte, error)                    `dubbo:"bytes"`
}

func (s *Stub) Reference() string { return service }

var stubs = map[string]*Stub{}

func serveDubbo(options url.Values) (any, error) {
	port, err := strconv.Atoi(options.Get("port"))
	if err != nil {
		return nil, err
	}
	// With an address of its own it would fight with dubbo-go's metadata service over the port.
	made, err := server.NewServer(server.WithServerProtocol(protocol.WithDubbo(), protocol.WithPort(port)))
	if err != nil {
		return nil, err
	}
	err = made.Register(&Example{name: options.Get("name")}, nil, server.WithInterface(service),
		server.WithGroup(group), server.WithVersion(version), server.WithNotRegister())
	if err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- made.Serve() }()
	select {
	case err = <-ended:
	case <-time.After(500 * time.Millisecond):
	}
	return port, err
}

func stub(options url.Values) (*Stub, error) {
	timeout, err := strconv.Atoi(options.Get("timeout"))
	if err != nil {
		timeout = 3000
	}
	key := options.Get("port") + " " + strconv.Itoa(timeout)
	if found := stubs[key]; found != nil {
		return found, nil
	}
	made, err := client.NewClient(client.WithClientProtocolDubbo())
	if err != nil {
		return nil, err
	}
	found := &Stub{}
	_, err = made.DialWithService(service, found, client.WithURL("dubbo://127.0.0.1:"+options.Get("port")),
		client.WithGroup(group), client.WithVersion(version), client.WithClusterFailFast(), client.WithRetries(0),
		client.WithSerialization(constant.Hessian2Serialization),
		client.WithRequestTimeout(time.Duration(timeout)*time.Millisecond))
	stubs[key] = found
	return found, err
}

func bytes(to *Stub, size int) (any, error) {
	sent := make([]byte, size)
	for i := range sent {
		sent[i] = byte(i*31 + i/251)
	}
	got, err := to.Bytes(context.Background(), sent)
	if err == nil && string(got) != string(sent) {
		err = errors.New("other bytes came back")
	}
	return len(got), err
}

func call(options url.Values) (any, error) {
	to, err := stub(options)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	if gray := options.Get("with.gray"); gray != "" {
		ctx = context.WithValue(ctx, constant.AttachmentKey, map[string]any{"gray": gray})
	}
	text := options.Get("text")
	switch options.Get("method") {
	case "echo":
		return to.Echo(ctx, text)
	case "fail":
		return to.Fail(ctx, text)
	case "sleep":
		milliseconds, _ := strconv.Atoi(options.Get("milliseconds"))
		return to.Sleep(ctx, int32(milliseconds), text)
	case "bytes":
		size, _ := strconv.Atoi(options.Get("size"))
		return bytes(to, size)
	}
	return to.Where(ctx)
}

func parallelDubbo(options url.Values) (any, error) {
	to, err := stub(options)
	if err != nil {
		return nil, err
	}
	callers, _ := strconv.Atoi(options.Get("threads"))
	calls, _ := strconv.Atoi(options.Get("calls"))
	return parallel(callers, calls, func(text string) (string, error) { return to.Echo(context.Background(), text) }), nil
}

func main() {
	serve(map[string]command{"serve": serveDubbo, "call": call, "parallel": parallelDubbo})
}
