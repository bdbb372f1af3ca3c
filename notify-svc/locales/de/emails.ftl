footer = FinTrac schickt diese Mail, weil mit Ihrer Adresse oder Ihrem Konto etwas geschehen ist.
log-in-action = Anmelden
code-label = Oder geben Sie diesen Code ein, er gilt 10 Minuten:

verification-subject = Bestätigen Sie Ihre E-Mail-Adresse
verification-body = Ein Schritt fehlt noch: Bestätigen Sie, dass diese Adresse Ihnen gehört.
verification-action = Adresse bestätigen
verification-note = Der Link gilt 24 Stunden. Wenn Sie sich nicht bei FinTrac registriert haben, beachten Sie diese Mail nicht.

already-registered-subject = Sie haben schon ein Konto
already-registered-body = Jemand wollte Ihre Adresse für ein anderes Konto verwenden. Sie haben mit ihr schon ein FinTrac-Konto, es hat sich also nichts geändert.
already-registered-note = Wenn Sie es waren, melden Sie sich einfach an. Wenn nicht, ist nichts zu tun.

welcome-subject = Willkommen bei FinTrac
welcome-greeting = Guten Tag { $name },
welcome-body = Ihre Adresse ist bestätigt und Ihr Haushalt eingerichtet. Melden Sie sich an und legen Sie Ihr erstes Konto an: Bargeld, Bankkonto oder Karte.
welcome-note = Von jetzt an hat jeder Cent seinen Platz.

password-reset-subject = Wählen Sie ein neues Passwort
password-reset-body = Jemand hat ein neues Passwort für Ihr Konto angefordert. Wenn Sie es waren, wählen Sie jetzt eines.
password-reset-action = Passwort wählen
password-reset-note = Der Link gilt 60 Minuten. Wenn Sie es nicht waren, beachten Sie diese Mail nicht: Ihr Passwort bleibt, wie es ist.

password-changed-subject = Ihr Passwort wurde geändert
password-changed-body = Das Passwort Ihres FinTrac-Kontos wurde geändert, und Ihre anderen Sitzungen wurden beendet.
password-changed-note = Wenn Sie es nicht waren, fordern Sie sofort ein neues Passwort an.

email-change-subject = Bestätigen Sie Ihre neue E-Mail-Adresse
email-change-body = Sie möchten diese Adresse für Ihr FinTrac-Konto verwenden. Sie gilt, sobald Sie sie bestätigen.
email-change-action = Adresse bestätigen
email-change-note = Der Link gilt 24 Stunden. Wenn Sie das nicht wollten, beachten Sie diese Mail nicht.

email-changed-subject = Ihre E-Mail-Adresse wurde geändert
email-changed-body = Ihr FinTrac-Konto hat jetzt eine andere E-Mail-Adresse. An diese kommen keine Mails mehr.
email-changed-note = Wenn Sie es nicht waren, antworten Sie auf diese Mail oder schreiben Sie dem Betreiber Ihres FinTrac.

mfa-enabled-subject = Ihr zweiter Faktor ist eingeschaltet
mfa-enabled-body = Von jetzt an braucht die Anmeldung einen Code Ihrer Authentifizierungs-App. Bewahren Sie Ihre Wiederherstellungscodes sicher auf.
mfa-enabled-note = Wenn Sie es nicht waren, ändern Sie sofort Ihr Passwort.

mfa-disabled-subject = Ihr zweiter Faktor ist ausgeschaltet
mfa-disabled-body = Die Anmeldung braucht keinen Code Ihrer Authentifizierungs-App mehr.
mfa-disabled-note = Wenn Sie es nicht waren, ändern Sie sofort Ihr Passwort.

recovery-code-used-subject = Ein Wiederherstellungscode wurde benutzt
recovery-code-used-body = Jemand hat sich mit einem Ihrer Wiederherstellungscodes angemeldet. Dieser Code gilt nicht mehr.
recovery-code-used-note = Wenn Sie es nicht waren, ändern Sie sofort Ihr Passwort. Wenn Sie Ihre Authentifizierungs-App verloren haben, richten Sie sie neu ein.

new-device-subject = Ihr Konto wurde auf einem neuen Gerät benutzt
new-device-body = Ihr Konto wurde auf einem Gerät benutzt, das wir noch nicht kennen: { $device }, von der IP-Adresse { $address }, am { $time }.
new-device-note = Wenn Sie es nicht waren, ändern Sie Ihr Passwort und beenden Sie die anderen Sitzungen.

account-locked-subject = Ihr Konto ist gesperrt
account-locked-body = Ein Administrator hat Ihr FinTrac-Konto gesperrt. Alle Sitzungen wurden beendet.
account-locked-note = Es ist nichts verloren. Schreiben Sie dem Betreiber Ihres FinTrac, damit er es entsperrt.

account-throttled-subject = Viele falsche Passwörter
account-throttled-body = Jemand hat für Ihr Konto oft ein falsches Passwort eingegeben. Eine Zeit lang muss jeder weitere Versuch warten.
account-throttled-note = Wenn Sie es nicht waren, hat Ihr Passwort Sie geschützt. Wenn Sie es waren und Ihr Passwort vergessen haben, fordern Sie ein neues an.

account-deletion-subject = Ihr Konto wird gelöscht
account-deletion-body = Sie möchten Ihr FinTrac-Konto löschen. Am { $day } werden alle Ihre Daten endgültig gelöscht.
account-deletion-note = Wenn Sie es sich anders überlegen, melden Sie sich vor diesem Tag an: Dann ist alles wieder da.

account-restored-subject = Ihr Konto ist wiederhergestellt
account-restored-body = Sie haben sich angemeldet, also wird Ihr FinTrac-Konto nicht gelöscht. Alles ist, wie es war.
account-restored-note = Wenn Sie es nicht waren, ändern Sie sofort Ihr Passwort.

open-action = FinTrac öffnen
notification-note = Zu viele solche Mails? In Ihren Einstellungen legen Sie fest, welche Sie bekommen.
notification-footer = FinTrac schickt diese Mail, weil in Ihren Einstellungen Mails zu Ihrem Geld, Ihren Budgets und Zielen eingeschaltet sind.
unsubscribe-action = Mails dieser Art abbestellen
