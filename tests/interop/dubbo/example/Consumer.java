package example;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.MethodConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.rpc.RpcContext;
import org.apache.dubbo.rpc.service.GenericService;

/** Consumer PORT SERIALIZATION: makes one call after the other and prints the name of each before it. */
public final class Consumer {
    interface Call {
        Object call() throws Exception;
    }

    static void call(String name, Call call) {
        System.out.println(name);
        try {
            Thread.sleep(50); // who records shall have read the name before the frame comes
            call.call();
        } catch (Exception e) {
            System.err.println(name + ": " + e);
        }
    }

    static ReferenceConfig<Object> reference(String[] arguments) {
        ReferenceConfig<Object> reference = new ReferenceConfig<>();
        ApplicationConfig application = new ApplicationConfig("consumer");
        application.setQosEnable(false);
        reference.setApplication(application);
        reference.setUrl("dubbo://sidecar:" + arguments[0] + "/" + Example.class.getName()
                + "?group=blue&version=1.0.0&heartbeat=2000&serialization=" + arguments[1]
                + "&prefer.serialization=" + arguments[1]);
        reference.setInterface(Example.class.getName());
        reference.setGroup("blue");
        reference.setVersion("1.0.0");
        reference.setTimeout(3000);
        reference.setRetries(0);
        reference.setCheck(false);
        return reference;
    }

    static String repeated(String text, int times) {
        return String.join("", Collections.nCopies(times, text));
    }

    static Example.Person person(String name, Example.Person friend) {
        Example.Person person = new Example.Person();
        person.name = name;
        person.age = 41;
        person.height = 1.75;
        person.alive = true;
        person.friend = friend;
        return person;
    }

    static Map<String, Object> shapes() {
        Map<String, Object> map = new HashMap<>();
        map.put("int", 300000);
        map.put("long", 1L << 40);
        map.put("double", 0.1);
        map.put("date", new Date(1700000000000L));
        map.put("null", null);
        map.put("list", Arrays.asList("a", 1, 2L, true));
        map.put("person", person("Zo\u00eb", null));
        return map;
    }

    static List<Object> list() {
        List<Object> list = new ArrayList<>();
        for (int i = -3; i < 9; i++) {
            list.add(i * i * i * 1000L);
        }
        list.add(list.get(0));
        list.add(new byte[] {1, 2, 3});
        return list;
    }

    static void texts(Example example) {
        call("echo", () -> example.echo("hello"));
        call("echo_empty", () -> example.echo(""));
        call("echo_null", () -> example.echo(null));
        call("echo_chinese", () -> example.echo("\u4f60\u597d\uff0c\u4e16\u754c"));
        call("echo_emoji", () -> example.echo("\ud83d\ude00 and \ud83d\ude80"));
        call("echo_latin", () -> example.echo("\u00e4\u00f6\u00fc"));
        call("echo_chunks", () -> example.echo(repeated("0123456789\u4e16", 3200)));
    }

    static void values(Example example) {
        call("add", () -> example.add(-70000, 1L << 33));
        call("older", () -> example.older(person("Ann", person("Bob", null)), 1));
        call("shapes", () -> example.shapes(shapes(), list(), new int[] {1, 2, 3}));
        call("bytes", () -> example.bytes(new byte[20000]));
        call("nothing", () -> { example.nothing(); return null; });
        call("log", () -> { example.log("one way"); return null; });
        call("fail", () -> example.fail("no luck"));
    }

    static void attachments(Example example) {
        call("attachments", () -> {
            RpcContext.getContext().setAttachment("userId", "42");
            RpcContext.getContext().setAttachment("trace.id", "0af7651916cd43dd8448eb211c80319c");
            RpcContext.getContext().setAttachment("city", "\u5317\u4eac");
            RpcContext.getContext().setAttachment("mood", "\ud83d\ude00");
            RpcContext.getContext().setAttachment("long", repeated("abc", 400));
            return example.echo("attached");
        });
        call("attached_objects", () -> {
            RpcContext.getContext().setAttachment("count", (Object) 7);
            RpcContext.getContext().setAttachment("big", (Object) (1L << 40));
            RpcContext.getContext().setAttachment("flag", (Object) true);
            RpcContext.getContext().setAttachment("person", (Object) person("Eve", null));
            RpcContext.getContext().setAttachment("last", "end");
            return example.echo("attached");
        });
    }

    public static void main(String[] arguments) throws Exception {
        ReferenceConfig<Object> reference = reference(arguments);
        MethodConfig log = new MethodConfig();
        log.setName("log");
        log.setReturn(false);
        reference.setMethods(Collections.singletonList(log));
        Example example = (Example) reference.get();
        texts(example);
        values(example);
        attachments(example);
        ReferenceConfig<Object> generic = reference(arguments);
        generic.setGeneric("true");
        GenericService service = (GenericService) generic.get();
        call("generic", () -> service.$invoke("echo", new String[] {"java.lang.String"}, new Object[] {"generic"}));
        call("generic_unknown", () -> service.$invoke("unknown", new String[0], new Object[0]));
        call("idle", () -> { Thread.sleep(5000); return null; });
        System.out.println("done");
        Thread.sleep(3000);
        System.exit(0);
    }
}
