package example;

import com.alipay.sofa.rpc.api.GenericService;
import com.alipay.sofa.rpc.api.future.SofaResponseFuture;
import com.alipay.sofa.rpc.common.RpcConfigs;
import com.alipay.sofa.rpc.config.ConsumerConfig;
import com.alipay.sofa.rpc.config.ProviderConfig;
import com.alipay.sofa.rpc.config.ServerConfig;
import com.alipay.sofa.rpc.context.RpcInvokeContext;
import com.alipay.sofa.rpc.core.exception.SofaRpcException;
import com.alipay.sofa.rpc.core.invoke.SofaResponseCallback;
import com.alipay.sofa.rpc.core.request.RequestBase;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/** SOFARPC servers and clients, as the commands say. */
public final class Sofa {
    /** A callback that can be waited for. */
    static final class Waiting implements SofaResponseCallback<Object> {
        final CompletableFuture<Object> answer = new CompletableFuture<>();

        public void onAppResponse(Object response, String method, RequestBase request) {
            answer.complete(response);
        }

        public void onAppException(Throwable thrown, String method, RequestBase request) {
            answer.completeExceptionally(thrown);
        }

        public void onSofaException(SofaRpcException thrown, String method, RequestBase request) {
            answer.completeExceptionally(thrown);
        }
    }

    private static final Map<String, ServerConfig> servers = new HashMap<>();
    private static final Map<String, ConsumerConfig<?>> clients = new HashMap<>();

    private Sofa() {}

    static Object serve(Commands.Options options) {
        String port = options.text("port");
        ServerConfig server = new ServerConfig().setProtocol("bolt").setHost("127.0.0.1").setBoundHost("127.0.0.1")
                .setPort(Integer.parseInt(port)).setDaemon(false).setAdaptivePort(false);
        Example answers = new Answers(options.text("name"),
                name -> RpcInvokeContext.getContext().getRequestBaggage(name));
        new ProviderConfig<Example>().setInterfaceId(Example.class.getName()).setRef(answers).setServer(server)
                .setRegister(false).setRepeatedExportLimit(-1).export();
        servers.put(port, server);
        return port;
    }

    static Object stop(Commands.Options options) {
        servers.remove(options.text("port")).destroy();
        return null;
    }

    /** One consumer for each port, way of calling and timeout. */
    static synchronized Object client(Commands.Options options) {
        String invoke = options.text("invoke", "sync");
        String timeout = options.text("timeout", "3000");
        String key = String.join(" ", options.text("port"), invoke, timeout);
        ConsumerConfig<?> config = clients.get(key);
        if (config == null) {
            boolean generic = invoke.equals("generic");
            config = new ConsumerConfig<>().setInterfaceId(Example.class.getName()).setGeneric(generic)
                    .setDirectUrl("bolt://127.0.0.1:" + options.text("port")).setRegister(false).setRetries(0)
                    .setInvokeType(generic ? "sync" : invoke).setTimeout(Integer.parseInt(timeout))
                    .setConnectionHolder("all").setRepeatedReferLimit(-1);
            clients.put(key, config);
        }
        return config.refer();
    }

    static Object call(Commands.Options options) throws Throwable {
        RpcInvokeContext.removeContext();
        options.under("with.").forEach(RpcInvokeContext.getContext()::putRequestBaggage);
        Object client = client(options);
        switch (options.text("invoke", "sync")) {
            case "generic":
                return ((GenericService) client).$invoke(options.text("method"), new String[] {"java.lang.String"},
                        new Object[] {options.text("text")});
            case "future":
                Calls.call((Example) client, options);
                return unwrapped(SofaResponseFuture.getFuture(true)::get);
            case "callback":
                Waiting waiting = new Waiting();
                RpcInvokeContext.getContext().setResponseCallback(waiting);
                Calls.call((Example) client, options);
                return unwrapped(() -> waiting.answer.get(30, TimeUnit.SECONDS));
            default:
                return Calls.call((Example) client, options);
        }
    }

    interface Wait {
        Object get() throws Exception;
    }

    private static Object unwrapped(Wait wait) throws Throwable {
        try {
            return wait.get();
        } catch (ExecutionException thrown) {
            throw thrown.getCause();
        }
    }

    static Object parallel(Commands.Options options) throws InterruptedException {
        Example client = (Example) client(options);
        return Calls.parallel(options.number("threads", 1), options.number("calls", 1), client::echo);
    }

    public static void main(String[] arguments) throws Exception {
        RpcConfigs.putValue("context.invoke.baggage.enable", true);
        Map<String, Commands.Command> commands = new HashMap<>();
        commands.put("serve", Sofa::serve);
        commands.put("stop", Sofa::stop);
        commands.put("call", Sofa::call);
        commands.put("parallel", Sofa::parallel);
        Commands.serve(commands,
                thrown -> thrown instanceof SofaRpcException ? ((SofaRpcException) thrown).getErrorType() : 0);
    }
}
