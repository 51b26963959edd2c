doctor-ok = ok
doctor-warn = warn
doctor-fail = fail
doctor-no-root = there is no directory { $root }
