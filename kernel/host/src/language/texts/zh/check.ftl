check-unbuilt = 将由 { $source } 编译
check-warning = 警告：
check-in-order = { $file } 正常
check-in-order-so-far = 在插件编译（`weihe build { $directory }`）之前所能看到的范围内，{ $file } 正常
check-problem = { $file } 有 1 个问题
check-problems = { $file } 有 { $count } 个问题
