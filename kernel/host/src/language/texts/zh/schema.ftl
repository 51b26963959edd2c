schema-put = 把这一行放在 weihe.toml 的开头，编辑器就能找到它：
schema-general = { $why }：输出的是通用的 schema
schema-unbuilt = 插件 `{ $name }` 还没有编译：不含它的配置键
schema-refused = { $why }：不含它的配置键
schema-unreadable = 插件 `{ $name }`：无法读取它的配置 schema
