# The operating system.
said-os-not-found = No such file or directory (os error 2)
