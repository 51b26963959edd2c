check-unbuilt = will be built from { $source }
check-warning = warning:
check-in-order = { $file } is in order
check-in-order-so-far = { $file } is in order as far as can be seen before its plugins are built (`weihe build { $directory }`)
check-problem = { $file } has 1 problem
check-problems = { $file } has { $count } problems
