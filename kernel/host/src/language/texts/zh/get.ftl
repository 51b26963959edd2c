get-nothing = `{ $filter }` 上还没有发布过任何值
get-nothing-help = `weihe get '#'` 列出所有有值的主题
get-column-topic = 主题
get-column-value = 值
get-column-quality = 质量
get-column-age = 已有
get-column-source = 来源
