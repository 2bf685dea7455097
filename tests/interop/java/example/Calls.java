package example;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/** What clients of every framework call, and how they check it. */
public final class Calls {
    /** One call whose answer is its own text. */
    public interface Echo {
        String call(String text) throws Exception;
    }

    private Calls() {}

    /** The method that `options` name, called on this client. */
    public static Object call(Example example, Commands.Options options) throws Exception {
        String text = options.text("text", "");
        switch (options.text("method")) {
            case "echo": return example.echo(text);
            case "add": return example.add(options.number("a", 0), options.number("b", 0));
            case "older": return example.older(person(text), options.number("years", 0));
            case "bytes": return bytes(example, options.number("size", 0));
            case "nothing": example.nothing(); return null;
            case "log": example.log(text); return null;
            case "logged": return example.logged();
            case "fail": return example.fail(text);
            case "sleep": return example.sleep(options.number("milliseconds", 0), text);
            case "where": return example.where();
            case "attachment": return example.attachment(text);
            default: throw new IllegalArgumentException(options.text("method"));
        }
    }

    static Example.Person person(String name) {
        Example.Person person = new Example.Person();
        person.name = name;
        person.age = 41;
        person.height = 1.75;
        person.alive = true;
        return person;
    }

    /** Bytes of this number, there and back: how many came back, or the place of the first that differs, negative. */
    static int bytes(Example example, int size) {
        byte[] sent = new byte[size];
        for (int i = 0; i < size; i++) {
            sent[i] = (byte) (i * 31 + i / 251);
        }
        byte[] got = example.bytes(sent);
        int differs = Arrays.mismatch(sent, got);
        return differs < 0 ? got.length : -1 - differs;
    }

    /** `calls` calls on each of `threads` threads; every answer has to be what its own thread asked for. */
    public static Map<String, Object> parallel(int threads, int calls, Echo echo) throws InterruptedException {
        AtomicInteger right = new AtomicInteger();
        AtomicInteger wrong = new AtomicInteger();
        AtomicInteger failed = new AtomicInteger();
        Thread[] running = new Thread[threads];
        for (int t = 0; t < threads; t++) {
            int number = t;
            running[t] = new Thread(() -> {
                for (int i = 0; i < calls; i++) {
                    String text = number + " asks " + i;
                    try {
                        (text.equals(echo.call(text)) ? right : wrong).incrementAndGet();
                    } catch (Exception thrown) {
                        thrown.printStackTrace();
                        failed.incrementAndGet();
                    }
                }
            });
            running[t].start();
        }
        for (Thread thread : running) {
            thread.join();
        }
        Map<String, Object> counts = new LinkedHashMap<>();
        counts.put("right", right.get());
        counts.put("wrong", wrong.get());
        counts.put("failed", failed.get());
        return counts;
    }
}
