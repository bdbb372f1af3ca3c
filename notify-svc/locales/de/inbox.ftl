### Texts of the inbox that differ from those of the email.

password-reset-inbox-title = Ein neues Passwort wurde angefordert
password-reset-inbox-body = Jemand hat ein neues Passwort für Ihr Konto angefordert. Der Link ging an Ihre E-Mail-Adresse. Wenn Sie es nicht waren, ist nichts zu tun: Ihr Passwort bleibt, wie es ist.

email-change-inbox-title = Bestätigen Sie Ihre neue E-Mail-Adresse
email-change-inbox-body = Sie möchten eine andere E-Mail-Adresse verwenden. Sie gilt, sobald Sie sie in der Mail an die neue Adresse bestätigen. Wenn Sie es nicht waren, ändern Sie sofort Ihr Passwort.

email-changed-inbox-title = Ihre E-Mail-Adresse wurde geändert
email-changed-inbox-body = Mails gehen jetzt an Ihre neue Adresse. Wenn Sie es nicht waren, ändern Sie sofort Ihr Passwort.

welcome-inbox-title = Willkommen bei FinTrac
welcome-inbox-body = Ihr Haushalt ist eingerichtet. Legen Sie Ihr erstes Konto an: Bargeld, Bankkonto oder Karte.
