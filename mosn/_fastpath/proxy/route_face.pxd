# Python's face of routing, header operations and formats: for `mosn route`, tests and benchmarks.
