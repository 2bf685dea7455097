package example;

/** A service that calls its clients. */
public interface Feed {
    void subscribe(String topic, Listener listener);

    /** An argument callback: the object stays with the client. */
    interface Listener {
        String changed(String text);
    }
}
