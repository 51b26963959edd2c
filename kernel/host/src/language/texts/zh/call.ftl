call-done = 完成
call-timeout = 超时 { $seconds } 秒超出范围
call-timeout-help = 取 0.001 到 3600 秒
arguments-help = 写成 JSON 对象（'{"{"}"value": 1{"}"}'）或“键=值”（value=1 unit=mm）
arguments-no-object = 参数不是 JSON 对象：{ $why }
arguments-no-pair = `{ $word }` 不是“键=值”的形式
arguments-twice = `{ $key }` 给了两次
call-no-commands = 设备 `{ $device }` 的插件 `{ $plugin }` 没有命令
call-no-device = 没有设备 `{ $device }`
call-no-device-help = `weihe ps` 会列出设备
call-column-command = 命令
call-column-arguments = 参数
call-column-summary = 说明
