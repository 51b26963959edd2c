dev-no-source = no plugin of the system in { $directory } has a source
dev-no-source-help = name the crate of a plugin in weihe.toml (`[plugin.NAME]`, `source = "PATH"`), or make one with `weihe new`; `weihe run` runs components as they are
dev-same = { $plugin }: the component is the same
dev-goes-on = { $plugin }: what ran before goes on running
dev-nothing-yet = { $plugin }: nothing of it has run yet
dev-new = new
dev-saved = { $file } saved
dev-many-saved = { $count } files saved
dev-after = ({ $seconds } s after the save)
dev-not-taken = not taken
dev-refused = { $plugin }: { $word }: { $why }; what ran before goes on running
dev-unknown = { $plugin }: not taken up yet; `weihe ps` shows what runs
