wit-failed = cannot write { $path }: { $why }
wit-failed-help = check permissions and free space there, or name another folder
