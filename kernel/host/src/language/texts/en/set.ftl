set-own = `{ $topic }` cannot be set: topics that start with `$` are the kernel's own
set-own-help = set a topic of a device, like `plugin/soil/target`
