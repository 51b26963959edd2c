said-os-not-found = 没有那个文件或目录（os error 2）
