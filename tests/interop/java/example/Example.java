package example;

import java.io.Serializable;
import java.util.List;
import java.util.Map;

/** A service with one of each: what clients send and servers answer. */
public interface Example {
    String echo(String text);

    long add(int a, long b);

    Person older(Person person, int years);

    Map<String, Object> shapes(Map<String, Object> map, List<Object> list, int[] numbers);

    byte[] bytes(byte[] bytes);

    void nothing();

    /** Called one way; `logged` gives back what came. */
    void log(String text);

    List<String> logged();

    String fail(String text) throws Trouble;

    /** Answers after so many milliseconds. */
    String sleep(int milliseconds, String text);

    /** The name of the server that answers. */
    String where();

    /** An attachment (request property, header) of this call, as the server sees it. */
    String attachment(String name);

    class Person implements Serializable {
        private static final long serialVersionUID = 1;
        public String name;
        public int age;
        public double height;
        public boolean alive;
        public Person friend;
    }

    class Trouble extends Exception {
        private static final long serialVersionUID = 1;

        public Trouble() {}

        public Trouble(String message) {
            super(message);
        }
    }
}
