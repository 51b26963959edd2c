# Findings of `weihe doctor`.
said-processor = processor
said-system = system
said-memory = memory
said-memory-limit = memory limit
said-open-files = open files
said-memory-maps = memory maps
said-serial-ports = serial ports
said-system-here = system here
said-none-name-one-with-c-dir = none; name one with `-C DIR`
said-configuration = configuration
said-weihe-check-shows-where = `weihe check { $directory }` shows where
said-devices = { $file }: { $count } devices
said-memory-of-the-host = memory of the host
said-not-limited = not limited
said-none-cgroup = none (cgroup)
said-weihe-toml-beyond-the-of-its = { $memory } (weihe.toml), beyond the { $group } of its cgroup
said-lower-host-memory-or-raise-the = lower `[host] memory`, or raise the service's limit (MemoryMax=)
said-raise-the-service-s-limit-memorymax = raise the service's limit (MemoryMax=) to { $limit }
said-data-directory = data directory
said-can-be-written = { $directory } can be written
said-cannot-be-written = { $directory } cannot be written: { $why }
said-change-its-owner-free-space-or = change its owner, free space, or name another with `[host] data`
said-host = host
said-weihe-runs-process = weihe { $version } runs, process { $pid }
said-not-running = not running
said-add-this-user-to-the-group = add this user to the group: `sudo usermod -aG { $group } $USER`, and log in again
said-let-a-group-use-it-a = let a group use it: a udev rule with GROUP="{ $group }", MODE="0660"
said-mode-user-group-this-user-may = { $about }; mode { $mode }, user { $user }, group { $group }: this user may not use it
said-count-of-an-unnamed-model = { $count } × an unnamed model, { $processor }
said-an-unnamed-model = an unnamed model
said-plugins-are-interpreted-on-slower-by = plugins are interpreted on { $processor }: slower by five to twenty times
said-an-unnamed-system = an unnamed system
said-unknown-size = unknown size
said-family-of-an-unnamed-system = { $family }: an unnamed system
said-linux-pages-of = { $what }, Linux { $kind }, pages of { $how }
said-of-an-unknown-version = of an unknown version
said-unknown = unknown
said-kernels-before-4-18-are-not = kernels before 4.18 are not tested
said-proc-meminfo-cannot-be-read = /proc/meminfo cannot be read
said-of-available = { $free } of { $all } available
said-a-host-with-its-database-wants = a host with its database wants { $size }
said-proc-self-limits-cannot-be-read = /proc/self/limits cannot be read
said-raise-the-limit-ulimit-n-or = raise the limit: `ulimit -n { $count }`, or LimitNOFILE= of the service
said-proc-sys-vm-max-map-count = /proc/sys/vm/max_map_count cannot be read
said-enough-for-devices = { $count }, enough for { $devices } devices
said-only-needed-to-build-plugins = only needed to build plugins: { $how }
said-not-here = not here
said-does-not-say-its-version = does not say its version
said-run-rustup-show = run `rustup show`
said-is-installed = { $target } is installed
said-is-not-installed = { $target } is not installed
said-run-rustup-target-add-weihe-build = run `rustup target add { $target }` (`weihe build` tries it too)
said-sm4-runs-on = { $backend }; the processor has { $list }
said-sm4-portable = portable; the processor has nothing that helps
said-sm4-portable-with = portable; the processor has { $list }, which does not do
said-sm4-slower = some ten times slower: AES instructions help; in a virtual machine, let the guest see those of the processor
