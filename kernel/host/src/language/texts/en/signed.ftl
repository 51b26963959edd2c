sign-done = Signed { $file }: { $name } { $version }, by { $signer }
sign-trust = A host takes it that trusts { $issuer }.
sign-help = sign with a key and its certificate for signing programs: `--key NAME`, or `--key-file FILE --certificate FILE`
sign-file = { $file }: { $why }
verify-good = The signature holds, and its signer is trusted.
verify-bad = Not trusted
verify-what = plugin { $name } { $version }
verify-who = signed by { $signer } (certificate issued by { $issuer })
verify-when = signed at { $time }, as the signer says
verify-certificate = certificate { $serial }, { $fingerprint }
inspect-signed = signed
inspect-signed-by = by { $signer }
dev-signed = weihe.toml requires signatures, and what `weihe dev` builds is signed by nobody
dev-signed-help = set `policy = "warn"` under [signatures] in the copy that you develop in
ps-unsigned = plugin `{ $name }` runs although { $why }
