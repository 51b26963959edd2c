get-nothing = nothing has been published on `{ $filter }`
get-nothing-help = `weihe get '#'` lists all topics that have a value
get-column-topic = TOPIC
get-column-value = VALUE
get-column-quality = QUALITY
get-column-age = AGE
get-column-source = SOURCE
