grants-unknown = there is no device `{ $device }`
grants-known = there are: { $names }
grants-column-device = DEVICE
grants-column-kind = KIND
grants-column-what = WHAT
grants-column-from = FROM
grants-always = always
