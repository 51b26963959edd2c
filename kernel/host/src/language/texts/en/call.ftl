call-done = done
call-timeout = a timeout of { $seconds } s is out of range
call-timeout-help = from 0.001 to 3600 seconds
arguments-help = write a JSON object ('{"{"}"value": 1{"}"}') or pairs (value=1 unit=mm)
arguments-no-object = the arguments are no JSON object: { $why }
arguments-no-pair = `{ $word }` is no key=value pair
arguments-twice = `{ $key }` is given twice
call-no-commands = plugin `{ $plugin }` of device `{ $device }` has no commands
call-no-device = there is no device `{ $device }`
call-no-device-help = `weihe ps` lists them
call-column-command = COMMAND
call-column-arguments = ARGUMENTS
call-column-summary = SUMMARY
