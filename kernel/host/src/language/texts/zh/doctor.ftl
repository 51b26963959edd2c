doctor-ok = 正常
doctor-warn = 注意
doctor-fail = 不行
doctor-no-root = 没有目录 { $root }
