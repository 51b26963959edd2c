//! The Weihe kernel: bus, registry, schedule, plugin runtime, and the contracts of capability and connection
