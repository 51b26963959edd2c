plan-unreadable = cannot read { $file }: { $why }
plan-nothing = nothing would change
reload-nothing = nothing has changed
plan-column-part = PART
plan-column-name = NAME
plan-column-why = WHY
plan-part-fails = { $part } { $name } fails:
