plan-unreadable = 无法读取 { $file }：{ $why }
plan-nothing = 不会有任何变化
reload-nothing = 没有任何变化
plan-column-part = 部分
plan-column-name = 名称
plan-column-why = 原因
plan-part-fails = { $part } { $name } 失败：
