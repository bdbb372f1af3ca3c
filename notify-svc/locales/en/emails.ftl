footer = FinTrac sends this email because of something that happened with your address or account.
log-in-action = Log in
code-label = Or type this code, good for 10 minutes:

verification-subject = Confirm your email address
verification-body = One step is left: confirm that this address is yours.
verification-action = Confirm address
verification-note = The link is good for 24 hours. If you did not register with FinTrac, ignore this email.

already-registered-subject = You already have an account
already-registered-body = Somebody tried to use your address for another account. You already have a FinTrac account with it, so nothing has changed.
already-registered-note = If it was you, just log in. If it was not, there is nothing to do.

welcome-subject = Welcome to FinTrac
welcome-greeting = Hello { $name },
welcome-body = your address is confirmed and your household is ready. Log in and add your first account: cash, a bank account or a card.
welcome-note = From now on every cent has its place.

password-reset-subject = Choose a new password
password-reset-body = Somebody asked for a new password for your account. If it was you, choose one now.
password-reset-action = Choose password
password-reset-note = The link is good for 60 minutes. If it was not you, ignore this email: your password stays as it is.

password-changed-subject = Your password was changed
password-changed-body = The password of your FinTrac account was changed, and other sessions were ended.
password-changed-note = If it was not you, ask for a new password at once.

email-change-subject = Confirm your new email address
email-change-body = You asked to use this address for your FinTrac account. It takes effect when you confirm it.
email-change-action = Confirm address
email-change-note = The link is good for 24 hours. If you did not ask for it, ignore this email.

email-changed-subject = Your email address was changed
email-changed-body = Your FinTrac account now has another email address. Emails no longer come to this one.
email-changed-note = If it was not you, answer this email or write to whoever runs your FinTrac.

mfa-enabled-subject = Your second factor is on
mfa-enabled-body = From now on, logging in needs a code of your authenticator app. Keep your recovery codes in a safe place.
mfa-enabled-note = If it was not you, change your password at once.

mfa-disabled-subject = Your second factor is off
mfa-disabled-body = Logging in no longer needs a code of your authenticator app.
mfa-disabled-note = If it was not you, change your password at once.

recovery-code-used-subject = A recovery code was used
recovery-code-used-body = Somebody logged in to your account with one of your recovery codes. That code does not work any more.
recovery-code-used-note = If it was not you, change your password at once. If you lost your authenticator app, set it up anew.

new-device-subject = New device
new-device-body = Your account was used on a device that we have not seen before: { $device }, from the address { $address }, on { $time }.
new-device-note = If it was not you, change your password and end the other sessions.

account-locked-subject = Your account is locked
account-locked-body = An administrator has locked your FinTrac account. All sessions were ended.
account-locked-note = Nothing is lost. Write to whoever runs your FinTrac to have it unlocked.

account-throttled-subject = Many wrong passwords
account-throttled-body = Somebody entered wrong passwords for your account many times. For a while every further try has to wait.
account-throttled-note = If it was not you, your password has protected you. If it was you, ask for a new password.

account-deletion-subject = Your account will be deleted
account-deletion-body = You asked to delete your FinTrac account. On { $day } everything will be erased for good.
account-deletion-note = If you change your mind, log in before that day: that brings everything back.

account-restored-subject = Your account stays
account-restored-body = You logged in, so your FinTrac account will not be deleted. Everything is as it was.
account-restored-note = If it was not you, change your password at once.

open-action = Open FinTrac
notification-note = Too many of these emails? Your preferences decide which ones you get.
notification-footer = FinTrac sends this email because you want to hear of your money, budgets and goals.
unsubscribe-action = Stop emails of this kind
