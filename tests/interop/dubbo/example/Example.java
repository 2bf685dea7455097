package example;

import java.io.Serializable;
import java.util.List;
import java.util.Map;

/** A service with one of each: what Dubbo clients send and servers answer. */
public interface Example {
    String echo(String text);

    long add(int a, long b);

    Person older(Person person, int years);

    Map<String, Object> shapes(Map<String, Object> map, List<Object> list, int[] numbers);

    byte[] bytes(byte[] bytes);

    void nothing();

    void log(String text);

    String fail(String text) throws Trouble;

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
