footer = FinTrac envoie ce message à la suite d’un événement concernant votre adresse ou votre compte.
log-in-action = Se connecter
code-label = Ou saisissez ce code, valable 10 minutes :

verification-subject = Confirmez votre adresse e-mail
verification-body = Plus qu’une étape : confirmez que cette adresse est la vôtre.
verification-action = Confirmer l’adresse
verification-note = Le lien est valable 24 heures. Si vous ne vous êtes pas inscrit à FinTrac, ignorez ce message.

already-registered-subject = Vous avez déjà un compte
already-registered-body = Quelqu’un a essayé d’utiliser votre adresse pour un autre compte. Vous avez déjà un compte FinTrac avec elle : rien n’a changé.
already-registered-note = Si c’était vous, connectez-vous simplement. Sinon, il n’y a rien à faire.

welcome-subject = Bienvenue chez FinTrac
welcome-greeting = Bonjour { $name },
welcome-body = Votre adresse est confirmée et votre foyer est prêt. Connectez-vous et ajoutez votre premier compte : espèces, banque ou carte.
welcome-note = Désormais, chaque centime a sa place.

password-reset-subject = Choisissez un nouveau mot de passe
password-reset-body = Quelqu’un a demandé un nouveau mot de passe pour votre compte. Si c’était vous, choisissez-le maintenant.
password-reset-action = Choisir un mot de passe
password-reset-note = Le lien est valable 60 minutes. Si ce n’était pas vous, ignorez ce message : votre mot de passe reste le même.

password-changed-subject = Votre mot de passe a changé
password-changed-body = Le mot de passe de votre compte FinTrac a été changé et vos autres sessions ont été fermées.
password-changed-note = Si ce n’était pas vous, demandez tout de suite un nouveau mot de passe.

email-change-subject = Confirmez votre nouvelle adresse e-mail
email-change-body = Vous avez demandé à utiliser cette adresse pour votre compte FinTrac. Elle sera active quand vous l’aurez confirmée.
email-change-action = Confirmer l’adresse
email-change-note = Le lien est valable 24 heures. Si vous ne l’avez pas demandé, ignorez ce message.

email-changed-subject = Votre adresse e-mail a changé
email-changed-body = Votre compte FinTrac a maintenant une autre adresse e-mail. Les messages n’arrivent plus à celle-ci.
email-changed-note = Si ce n’était pas vous, répondez à ce message ou écrivez à la personne qui gère votre FinTrac.

mfa-enabled-subject = Votre second facteur est activé
mfa-enabled-body = Désormais, la connexion demande un code de votre application d’authentification. Gardez vos codes de récupération en lieu sûr.
mfa-enabled-note = Si ce n’était pas vous, changez tout de suite votre mot de passe.

mfa-disabled-subject = Votre second facteur est désactivé
mfa-disabled-body = La connexion ne demande plus de code de votre application d’authentification.
mfa-disabled-note = Si ce n’était pas vous, changez tout de suite votre mot de passe.

recovery-code-used-subject = Un code de récupération a été utilisé
recovery-code-used-body = Quelqu’un s’est connecté à votre compte avec un de vos codes de récupération. Ce code ne fonctionne plus.
recovery-code-used-note = Si ce n’était pas vous, changez tout de suite votre mot de passe. Si vous avez perdu votre application d’authentification, configurez-la de nouveau.

new-device-subject = Votre compte a été utilisé sur un nouvel appareil
new-device-body = Votre compte a été utilisé sur un appareil encore inconnu : { $device }, depuis l’adresse IP { $address }, le { $time }.
new-device-note = Si ce n’était pas vous, changez votre mot de passe et fermez les autres sessions.

account-locked-subject = Votre compte est verrouillé
account-locked-body = Un administrateur a verrouillé votre compte FinTrac. Toutes les sessions ont été fermées.
account-locked-note = Rien n’est perdu. Écrivez à la personne qui gère votre FinTrac pour le faire déverrouiller.

account-throttled-subject = Beaucoup de mots de passe erronés
account-throttled-body = Quelqu’un a saisi de nombreuses fois un mot de passe erroné pour votre compte. Pendant un moment, chaque nouvel essai devra attendre.
account-throttled-note = Si ce n’était pas vous, votre mot de passe vous a protégé. Si c’était vous et que vous l’avez oublié, demandez un nouveau mot de passe.

account-deletion-subject = Votre compte sera supprimé
account-deletion-body = Vous avez demandé la suppression de votre compte FinTrac. Le { $day }, toutes vos données seront effacées définitivement.
account-deletion-note = Si vous changez d’avis, connectez-vous avant ce jour : tout reviendra.

account-restored-subject = Votre compte est rétabli
account-restored-body = Vous vous êtes connecté : votre compte FinTrac ne sera pas supprimé. Tout est comme avant.
account-restored-note = Si ce n’était pas vous, changez tout de suite votre mot de passe.

open-action = Ouvrir FinTrac
notification-note = Trop de messages de ce genre ? Vos préférences décident lesquels vous recevez.
notification-footer = FinTrac envoie ce message parce que les e-mails sur votre argent, vos budgets et vos objectifs sont activés dans vos préférences.
unsubscribe-action = Ne plus recevoir d’e-mails de ce type
