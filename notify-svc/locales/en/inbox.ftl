### Texts of the inbox that differ from those of the email.

password-reset-inbox-title = A new password was requested
password-reset-inbox-body = We received a request to reset the password of your account and sent the link to your email address. If this wasn't you, you don't need to do anything: your password stays as it is.

email-change-inbox-title = Confirm your new email address
email-change-inbox-body = You asked to change your email address. The change takes effect when you confirm it in the email that we sent to the new address. If this wasn't you, change your password right away.

email-changed-inbox-title = Your email address was changed
email-changed-inbox-body = Emails now go to your new address. If this wasn't you, change your password right away.

welcome-inbox-title = Welcome to FinTrac
welcome-inbox-body = Your household is ready. Add your first account: cash, a bank account or a card.
