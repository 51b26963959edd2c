new-next = what to do with it:
new-test = its logic, natively
new-build = the component
new-dev = runs it; what you save is swapped in
