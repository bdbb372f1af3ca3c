### Where the inbox says it in other words than the email.

password-reset-inbox-title = A new password was asked for
password-reset-inbox-body = Somebody asked for a new password for your account. The link went to your email address. If it was not you, there is nothing to do: your password stays as it is.

email-change-inbox-title = A new email address waits
email-change-inbox-body = You asked for another email address. It takes effect when you confirm it there. If it was not you, change your password at once.

email-changed-inbox-title = Your email address was changed
email-changed-inbox-body = Emails now go to your new address. If it was not you, change your password at once.

welcome-inbox-title = Welcome to FinTrac
welcome-inbox-body = Your household is ready. Add your first account: cash, a bank account or a card.
