load-started = 已启动
load-stopped = 已停止
swap-runs = 运行版本 { $version }
swap-no-device = 没有设备在运行插件 { $plugin }
load-note = 插件 { $plugin }：{ $note }
file-problem = { $file }：{ $why }
