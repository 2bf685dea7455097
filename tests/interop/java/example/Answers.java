package example;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.UnaryOperator;

/** The service itself; how an attachment is read is the framework's. */
public class Answers implements Example {
    private final String name;
    private final UnaryOperator<String> attachments;
    private final List<String> lines = new CopyOnWriteArrayList<>();

    public Answers(String name, UnaryOperator<String> attachments) {
        this.name = name;
        this.attachments = attachments;
    }

    public String echo(String text) {
        return text;
    }

    public long add(int a, long b) {
        return a + b;
    }

    public Person older(Person person, int years) {
        person.age += years;
        return person;
    }

    public Map<String, Object> shapes(Map<String, Object> map, List<Object> list, int[] numbers) {
        return map;
    }

    public byte[] bytes(byte[] bytes) {
        return bytes;
    }

    public void nothing() {}

    public void log(String text) {
        lines.add(text);
    }

    public List<String> logged() {
        return new ArrayList<>(lines);
    }

    public String fail(String text) throws Trouble {
        throw new Trouble(text);
    }

    public String sleep(int milliseconds, String text) {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
        return text;
    }

    public String where() {
        return name;
    }

    public String attachment(String wanted) {
        return attachments.apply(wanted);
    }
}
