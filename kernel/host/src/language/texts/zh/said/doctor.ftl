said-processor = 处理器
said-system = 系统
said-memory = 内存
said-memory-limit = 内存限制
said-open-files = 可打开的文件
said-memory-maps = 内存映射
said-serial-ports = 串口
said-system-here = 当前系统
said-none-name-one-with-c-dir = 没有；用 `-C DIR` 指明一个
said-configuration = 配置
said-weihe-check-shows-where = `weihe check { $directory }` 指出在哪里
said-devices = { $file }：{ $count } 个设备
said-memory-of-the-host = 主机的内存
said-not-limited = 不限
said-none-cgroup = 没有（cgroup）
said-weihe-toml-beyond-the-of-its = { $memory }（weihe.toml），超出它的 cgroup 的 { $group }
said-lower-host-memory-or-raise-the = 调低 `[host] memory`，或调高服务的限制（MemoryMax=）
said-raise-the-service-s-limit-memorymax = 把服务的限制（MemoryMax=）调高到 { $limit }
said-data-directory = 数据目录
said-can-be-written = { $directory } 可以写入
said-cannot-be-written = { $directory } 无法写入：{ $why }
said-change-its-owner-free-space-or = 更改它的属主、腾出空间，或用 `[host] data` 另写一个
said-host = 主机
said-weihe-runs-process = weihe { $version } 正在运行，进程 { $pid }
said-not-running = 没有运行
said-add-this-user-to-the-group = 把本用户加入该组：`sudo usermod -aG { $group } $USER`，然后重新登录
said-let-a-group-use-it-a = 让一个组可以使用它：写一条 udev 规则，GROUP="{ $group }"，MODE="0660"
said-mode-user-group-this-user-may = { $about }；权限 { $mode }，用户 { $user }，组 { $group }：本用户不能使用它
said-an-unnamed-model = 型号不详
said-plugins-are-interpreted-on-slower-by = 在 { $processor } 上插件以解释方式运行：慢五到二十倍
said-an-unnamed-system = 系统不详
said-unknown-size = 大小不详
said-linux-pages-of = { $name }，Linux { $kernel }，页大小 { $page }
said-kernels-before-4-18-are-not = 4.18 以前的内核没有测试过
said-proc-meminfo-cannot-be-read = 无法读取 /proc/meminfo
said-of-available = 可用 { $free }，共 { $all }
said-a-host-with-its-database-wants = 带数据库的主机需要 { $size }
said-proc-self-limits-cannot-be-read = 无法读取 /proc/self/limits
said-raise-the-limit-ulimit-n-or = 调高限制：`ulimit -n { $count }`，或服务的 LimitNOFILE=
said-proc-sys-vm-max-map-count = 无法读取 /proc/sys/vm/max_map_count
said-enough-for-devices = { $count }，够 { $devices } 个设备使用
said-only-needed-to-build-plugins = 只有编译插件才需要：{ $how }
said-not-here = 没有
said-does-not-say-its-version = 不报告版本
said-run-rustup-show = 请运行 `rustup show`
said-is-installed = { $target } 已安装
said-is-not-installed = { $target } 没有安装
said-run-rustup-target-add-weihe-build = 请运行 `rustup target add { $target }`（`weihe build` 也会尝试）
