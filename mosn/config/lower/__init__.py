"""Messages to the snapshot that workers run: defaults filled in, durations in milliseconds, references resolved.

One module per kind of message.  Lowering never raises for what a configuration says: it reports a finding and goes on
with the nearest usable value, so that a check shows every mistake at once.  A snapshot is used only when no error was
found.
"""
