footer = You received this email because it concerns your FinTrac account or email address.
log-in-action = Log in
code-label = Or enter this code, valid for 10 minutes:

verification-subject = Confirm your email address
verification-body = Just one step left: please confirm that this email address is yours.
verification-action = Confirm address
verification-note = The link is valid for 24 hours. If you didn't sign up for FinTrac, you can ignore this email.

already-registered-subject = You already have an account
already-registered-body = There was an attempt to register another account with your email address. You already have a FinTrac account with it, so nothing has changed.
already-registered-note = If this was you, just log in. If it wasn't, you don't need to do anything.

welcome-subject = Welcome to FinTrac
welcome-greeting = Hello { $name },
welcome-body = Your email address is confirmed and your household is ready. Log in and add your first account: cash, a bank account or a card.
welcome-note = From now on, every cent has its place.

password-reset-subject = Choose a new password
password-reset-body = We received a request to reset the password of your account. If this was you, choose a new password now.
password-reset-action = Choose password
password-reset-note = The link is valid for 60 minutes. If this wasn't you, you can ignore this email: your password stays as it is.

password-changed-subject = Your password was changed
password-changed-body = The password of your FinTrac account was changed, and your other sessions were ended.
password-changed-note = If this wasn't you, reset your password right away.

email-change-subject = Confirm your new email address
email-change-body = You asked to use this address for your FinTrac account. The change takes effect when you confirm it.
email-change-action = Confirm address
email-change-note = The link is valid for 24 hours. If you didn't ask for this, you can ignore this email.

email-changed-subject = Your email address was changed
email-changed-body = Your FinTrac account now has a different email address. We no longer send emails to this one.
email-changed-note = If this wasn't you, reply to this email or contact the operator of your FinTrac.

mfa-enabled-subject = Your second factor is on
mfa-enabled-body = From now on, logging in requires a code from your authenticator app. Keep your recovery codes in a safe place.
mfa-enabled-note = If this wasn't you, change your password right away.

mfa-disabled-subject = Your second factor is off
mfa-disabled-body = Logging in no longer requires a code from your authenticator app.
mfa-disabled-note = If this wasn't you, change your password right away.

recovery-code-used-subject = A recovery code was used
recovery-code-used-body = One of your recovery codes was used to log in to your account. That code no longer works.
recovery-code-used-note = If this wasn't you, change your password right away. If you lost your authenticator app, set it up again.

new-device-subject = Your account was used on a new device
new-device-body = Your account was used on a device that we have not seen before: { $device }, from the IP address { $address }, on { $time }.
new-device-note = If this wasn't you, change your password and end the other sessions.

account-locked-subject = Your account is locked
account-locked-body = An administrator has locked your FinTrac account. All sessions were ended.
account-locked-note = Nothing is lost. Contact the operator of your FinTrac to have your account unlocked.

account-throttled-subject = Many wrong passwords
account-throttled-body = There were many attempts to log in to your account with a wrong password. For a while, every further attempt has to wait.
account-throttled-note = If this wasn't you, your password has protected you. If it was you and you forgot your password, reset it.

account-deletion-subject = Your account will be deleted
account-deletion-body = You asked to delete your FinTrac account. On { $day }, all of your data will be permanently erased.
account-deletion-note = If you change your mind, log in before that day, and everything is restored.

account-restored-subject = Your account is restored
account-restored-body = You logged in, so your FinTrac account will not be deleted. Everything is as it was.
account-restored-note = If this wasn't you, change your password right away.

open-action = Open FinTrac
notification-note = Too many of these emails? Choose which ones you get in your preferences.
notification-footer = You received this email because emails about your money, budgets and goals are turned on in your preferences.
unsubscribe-action = Unsubscribe from emails of this kind
