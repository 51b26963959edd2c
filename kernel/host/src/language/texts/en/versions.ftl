load-started = started
load-stopped = stopped
swap-runs = runs version { $version }
swap-no-device = no device runs plugin { $plugin }
load-note = plugin { $plugin }: { $note }
file-problem = { $file }: { $why }
