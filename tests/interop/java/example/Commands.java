package example;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.ToIntFunction;

/** Commands from standard input, one line each ("do=call&text=hello", percent-encoded), and one line of JSON for each. */
public final class Commands {
    /** What a command does; the value becomes JSON. */
    public interface Command {
        Object run(Options options) throws Throwable;
    }

    /** The words of one line. */
    public static final class Options {
        private final Map<String, String> words = new LinkedHashMap<>();

        Options(String line) throws Exception {
            for (String pair : line.split("&")) {
                int at = pair.indexOf('=');
                words.put(decoded(pair.substring(0, at)), decoded(pair.substring(at + 1)));
            }
        }

        private static String decoded(String word) throws Exception {
            return URLDecoder.decode(word, "UTF-8");
        }

        public String text(String name, String otherwise) {
            return words.getOrDefault(name, otherwise);
        }

        public String text(String name) {
            if (!words.containsKey(name)) {
                throw new IllegalArgumentException("no " + name);
            }
            return words.get(name);
        }

        public int number(String name, int otherwise) {
            return words.containsKey(name) ? Integer.parseInt(words.get(name)) : otherwise;
        }

        /** Those whose names begin so, without the beginning. */
        public Map<String, String> under(String prefix) {
            Map<String, String> found = new LinkedHashMap<>();
            for (Map.Entry<String, String> word : words.entrySet()) {
                if (word.getKey().startsWith(prefix)) {
                    found.put(word.getKey().substring(prefix.length()), word.getValue());
                }
            }
            return found;
        }
    }

    private Commands() {}

    /** Until the end of standard input; `code` is an exception's number in the framework's words. */
    public static void serve(Map<String, Command> commands, ToIntFunction<Throwable> code) throws Exception {
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        System.setOut(System.err); // frameworks talk
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            Options options = new Options(line);
            out.println(Json.of(answer(commands.get(options.text("do")), options, code)));
        }
        Runtime.getRuntime().halt(0);
    }

    private static Map<String, Object> answer(Command command, Options options, ToIntFunction<Throwable> code) {
        Map<String, Object> answer = new LinkedHashMap<>();
        long begun = System.nanoTime();
        try {
            answer.put("value", command.run(options));
        } catch (Throwable thrown) {
            thrown.printStackTrace();
            answer.put("error", thrown.getClass().getName());
            answer.put("text", thrown.getMessage());
            answer.put("code", code.applyAsInt(thrown));
        }
        answer.put("ms", (System.nanoTime() - begun) / 1000000);
        return answer;
    }
}
