footer = FinTrac sends this mail because of something that happened with your address or account.
log-in-action = Log in

verification-subject = Confirm your e-mail address
verification-body = One step is left: confirm that this address is yours.
verification-action = Confirm address
verification-code = Or type this code, good for 10 minutes:
verification-note = The link is good for 24 hours. If you did not register with FinTrac, ignore this mail.

already-registered-subject = You already have an account
already-registered-body = Somebody tried to register with your address. You already have a FinTrac account with it, so nothing has changed.
already-registered-note = If it was you, just log in. If it was not, there is nothing to do.

welcome-subject = Welcome to FinTrac
welcome-greeting = Hello { $name },
welcome-body = your address is confirmed and your household is ready. Log in and add your first account: cash, a bank account or a card.
welcome-note = From now on every cent has its place.

open-action = Open FinTrac
notice-note = Too many of these mails? Your preferences decide which ones you get.
notice-footer = FinTrac sends this mail because you want to hear of your budgets and goals.
