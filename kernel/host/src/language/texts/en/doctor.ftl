doctor-ok = ok
doctor-warn = warn
doctor-fail = fail
