schema-put = put this line at the top of weihe.toml, so that editors find it:
schema-general = { $why }: the schema is the general one
schema-unbuilt = plugin `{ $name }` is not built yet: the keys of its configuration are left out
schema-refused = { $why }: the keys of its configuration are left out
schema-unreadable = plugin `{ $name }`: the schema of its configuration cannot be read
