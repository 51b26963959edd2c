set-own = 不能在 `{ $topic }` 上发布：以 `$` 开头的主题归内核自用
set-own-help = 请用设备的主题，例如 `plugin/soil/target`
