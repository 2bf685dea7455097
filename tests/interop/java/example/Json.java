package example;

import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Values as JSON: what a test compares. */
final class Json {
    private Json() {}

    static String of(Object value) {
        if (value == null || value instanceof Number || value instanceof Boolean) {
            return String.valueOf(value);
        }
        if (value instanceof Map) {
            return map((Map<?, ?>) value);
        }
        if (value instanceof List) {
            List<String> parts = new ArrayList<>();
            ((List<?>) value).forEach(part -> parts.add(of(part)));
            return "[" + String.join(",", parts) + "]";
        }
        return value instanceof Example.Person ? map(fields(value)) : text(value.toString());
    }

    private static String map(Map<?, ?> map) {
        List<String> parts = new ArrayList<>();
        map.forEach((name, value) -> parts.add(text(String.valueOf(name)) + ":" + of(value)));
        return "{" + String.join(",", parts) + "}";
    }

    private static Map<String, Object> fields(Object object) {
        Map<String, Object> found = new LinkedHashMap<>();
        try {
            for (Field field : Example.Person.class.getFields()) {
                found.put(field.getName(), field.get(object));
            }
        } catch (IllegalAccessException hidden) {
            throw new IllegalStateException(hidden);
        }
        return found;
    }

    private static String text(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\' || c < ' ' || c > '~') {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }
}
