# The program knows its own words.
source <(kbs-client completion)
