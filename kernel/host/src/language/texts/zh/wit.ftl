wit-failed = 无法写入 { $path }：{ $why }
wit-failed-help = 检查那里的权限和剩余空间，或指明另一个目录
