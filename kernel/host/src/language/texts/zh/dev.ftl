dev-no-source = { $directory } 的系统里没有带源码的插件
dev-no-source-help = 请在 weihe.toml 里写明插件的 crate（`[plugin.NAME]`，`source = "PATH"`），或用 `weihe new` 新建一个；`weihe run` 照原样运行组件
dev-same = { $plugin }：组件没有变化
dev-goes-on = { $plugin }：之前的版本继续运行
dev-nothing-yet = { $plugin }：它还没有运行过
dev-new = 新建
dev-saved = 已保存 { $file }
dev-many-saved = 已保存 { $count } 个文件
dev-after = （保存后 { $seconds } 秒）
dev-not-taken = 没有采用
dev-refused = { $plugin }：{ $word }：{ $why }；之前的版本继续运行
dev-unknown = { $plugin }：还没有换上；`weihe ps` 显示正在运行什么
