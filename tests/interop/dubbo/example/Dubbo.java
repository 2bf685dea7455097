package example;

import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ArgumentConfig;
import org.apache.dubbo.config.MethodConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;
import org.apache.dubbo.rpc.RpcContext;
import org.apache.dubbo.rpc.RpcException;
import org.apache.dubbo.rpc.service.GenericService;

/** A Dubbo server and clients, as the commands say. */
public final class Dubbo {
    private static final String GROUP = "blue";
    private static final String VERSION = "1.0.0";
    private static final ApplicationConfig APPLICATION = new ApplicationConfig("example");
    private static final Feeds feeds = new Feeds();
    private static final Map<String, Object> clients = new HashMap<>();

    private Dubbo() {}

    /** One server for each process: Dubbo 3 wants no service twice. */
    static Object serve(Commands.Options options) {
        ProtocolConfig protocol = new ProtocolConfig("dubbo", options.number("port", 0));
        protocol.setHost("sidecar");
        protocol.setParameters(Collections.singletonMap("prefer.serialization", "hessian2,fastjson2"));
        Example answers = new Answers(options.text("name"), name -> RpcContext.getContext().getAttachment(name));
        service(Example.class, answers, protocol).export();
        ServiceConfig<Feed> feed = service(Feed.class, feeds, protocol);
        feed.setMethods(Collections.singletonList(withListener()));
        feed.setCallbacks(1000);
        feed.export();
        return options.text("port");
    }

    private static <T> ServiceConfig<T> service(Class<T> type, T answers, ProtocolConfig protocol) {
        ServiceConfig<T> service = new ServiceConfig<>();
        service.setApplication(APPLICATION);
        service.setRegistry(new RegistryConfig("N/A"));
        service.setProtocol(protocol);
        service.setInterface(type);
        service.setGroup(GROUP);
        service.setVersion(VERSION);
        service.setRef(answers);
        return service;
    }

    /** Its second argument is called back. */
    private static MethodConfig withListener() {
        ArgumentConfig listener = new ArgumentConfig();
        listener.setIndex(1);
        listener.setCallback(true);
        MethodConfig method = new MethodConfig();
        method.setName("subscribe");
        method.setArguments(Collections.singletonList(listener));
        return method;
    }

    static Object subscribe(Commands.Options options) {
        ReferenceConfig<Object> reference = reference(Feed.class, options);
        // A registry would have said so: the first is for Dubbo 2.7, the other for 3.
        reference.setUrl(reference.getUrl() + "&subscribe.1.callback=true&methods=subscribe");
        reference.setMethods(Collections.singletonList(withListener()));
        ((Feed) reference.get()).subscribe(options.text("topic"), feeds.listener(options.text("name")));
        return null;
    }

    private static ReferenceConfig<Object> example(Commands.Options options, boolean generic) {
        ReferenceConfig<Object> reference = reference(Example.class, options);
        if (generic) {
            reference.setGeneric("true");
        }
        MethodConfig log = new MethodConfig();
        log.setName("log");
        log.setReturn(false);
        reference.setMethods(Collections.singletonList(log));
        return reference;
    }

    private static ReferenceConfig<Object> reference(Class<?> type, Commands.Options options) {
        ReferenceConfig<Object> reference = new ReferenceConfig<>();
        String serialization = options.text("serialization", "hessian2");
        reference.setApplication(APPLICATION);
        reference.setUrl("dubbo://sidecar:" + options.text("port") + "/" + type.getName()
                + "?group=" + GROUP + "&version=" + VERSION + "&heartbeat=" + options.text("heartbeat", "60000")
                + "&serialization=" + serialization + "&prefer.serialization=" + serialization);
        reference.setInterface(type.getName());
        reference.setGroup(GROUP);
        reference.setVersion(VERSION);
        reference.setTimeout(options.number("timeout", 3000));
        reference.setRetries(options.number("retries", 0));
        reference.setCheck(false);
        return reference;
    }

    /** One proxy for each port and setting. */
    static synchronized Object client(Commands.Options options) {
        boolean generic = options.text("invoke", "sync").equals("generic");
        String key = String.join(" ", options.text("port"), options.text("serialization", ""),
                options.text("timeout", ""), options.text("retries", ""), String.valueOf(generic));
        return clients.computeIfAbsent(key, missing -> example(options, generic).get());
    }

    static Object call(Commands.Options options) throws Throwable {
        Object client = client(options);
        RpcContext.removeContext();
        options.under("with.").forEach(RpcContext.getContext()::setAttachment);
        switch (options.text("invoke", "sync")) {
            case "generic":
                return ((GenericService) client).$invoke(options.text("method"), new String[] {"java.lang.String"},
                        new Object[] {options.text("text")});
            case "future":
                return unwrapped(begun((Example) client, options));
            case "callback":
                CompletableFuture<Object> told = new CompletableFuture<>();
                begun((Example) client, options).whenComplete((value, thrown) -> {
                    if (thrown == null) {
                        told.complete(value);
                    } else {
                        told.completeExceptionally(thrown);
                    }
                });
                return unwrapped(told);
            default:
                return Calls.call((Example) client, options);
        }
    }

    private static CompletableFuture<Object> begun(Example client, Commands.Options options) {
        return RpcContext.getContext().asyncCall(() -> Calls.call(client, options));
    }

    private static Object unwrapped(CompletableFuture<Object> future) throws Throwable {
        try {
            return future.get(30, TimeUnit.SECONDS);
        } catch (ExecutionException thrown) {
            throw thrown.getCause();
        }
    }

    static Object parallel(Commands.Options options) throws InterruptedException {
        Example client = (Example) client(options);
        return Calls.parallel(options.number("threads", 1), options.number("calls", 1), client::echo);
    }

    public static void main(String[] arguments) throws Exception {
        APPLICATION.setQosEnable(false);
        Map<String, Commands.Command> commands = new HashMap<>();
        commands.put("serve", Dubbo::serve);
        commands.put("call", Dubbo::call);
        commands.put("parallel", Dubbo::parallel);
        commands.put("subscribe", Dubbo::subscribe);
        commands.put("publish", options -> feeds.publish(options.text("topic"), options.text("text")));
        commands.put("heard", options -> feeds.heard);
        Commands.serve(commands, thrown -> thrown instanceof RpcException ? ((RpcException) thrown).getCode() : -1);
    }
}
