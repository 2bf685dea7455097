package example;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** Both sides of Feed: listeners by topic, and what was heard. */
final class Feeds implements Feed {
    final List<String> heard = new CopyOnWriteArrayList<>();
    private final Map<String, List<Listener>> topics = new ConcurrentHashMap<>();

    public void subscribe(String topic, Listener listener) {
        topics.computeIfAbsent(topic, missing -> new CopyOnWriteArrayList<>()).add(listener);
    }

    /** What the listeners answer. */
    List<String> publish(String topic, String text) {
        List<String> answers = new ArrayList<>();
        topics.getOrDefault(topic, new ArrayList<>()).forEach(listener -> answers.add(listener.changed(text)));
        return answers;
    }

    Listener listener(String name) {
        return text -> {
            heard.add(text);
            return name + " heard " + text;
        };
    }
}
