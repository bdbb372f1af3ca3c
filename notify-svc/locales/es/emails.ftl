footer = FinTrac envía este correo por algo que ha ocurrido con tu dirección o tu cuenta.
log-in-action = Iniciar sesión
code-label = O escribe este código, válido durante 10 minutos:

verification-subject = Confirma tu dirección de correo
verification-body = Falta un paso: confirma que esta dirección es tuya.
verification-action = Confirmar dirección
verification-note = El enlace es válido durante 24 horas. Si no te has registrado en FinTrac, ignora este correo.

already-registered-subject = Ya tienes una cuenta
already-registered-body = Alguien ha intentado usar tu dirección para otra cuenta. Ya tienes una cuenta de FinTrac con ella, así que nada ha cambiado.
already-registered-note = Si has sido tú, inicia sesión sin más. Si no, no hace falta que hagas nada.

welcome-subject = Te damos la bienvenida a FinTrac
welcome-greeting = Hola, { $name }:
welcome-body = Tu dirección está confirmada y tu hogar está listo. Inicia sesión y añade tu primera cuenta: efectivo, banco o tarjeta.
welcome-note = Desde ahora, cada céntimo tiene su sitio.

password-reset-subject = Elige una contraseña nueva
password-reset-body = Alguien ha pedido una contraseña nueva para tu cuenta. Si has sido tú, elígela ahora.
password-reset-action = Elegir contraseña
password-reset-note = El enlace es válido durante 60 minutos. Si no has sido tú, ignora este correo: tu contraseña sigue siendo la misma.

password-changed-subject = Tu contraseña ha cambiado
password-changed-body = Se ha cambiado la contraseña de tu cuenta de FinTrac y se han cerrado tus otras sesiones.
password-changed-note = Si no has sido tú, pide ahora mismo una contraseña nueva.

email-change-subject = Confirma tu nueva dirección de correo
email-change-body = Has pedido usar esta dirección para tu cuenta de FinTrac. Se aplicará cuando la confirmes.
email-change-action = Confirmar dirección
email-change-note = El enlace es válido durante 24 horas. Si no lo has pedido, ignora este correo.

email-changed-subject = Tu dirección de correo ha cambiado
email-changed-body = Tu cuenta de FinTrac tiene ahora otra dirección de correo. Los correos ya no llegan a esta.
email-changed-note = Si no has sido tú, responde a este correo o escribe a quien administra tu FinTrac.

mfa-enabled-subject = Tu segundo factor está activado
mfa-enabled-body = Desde ahora, para iniciar sesión hace falta un código de tu aplicación de autenticación. Guarda tus códigos de recuperación en un lugar seguro.
mfa-enabled-note = Si no has sido tú, cambia tu contraseña ahora mismo.

mfa-disabled-subject = Tu segundo factor está desactivado
mfa-disabled-body = Para iniciar sesión ya no hace falta un código de tu aplicación de autenticación.
mfa-disabled-note = Si no has sido tú, cambia tu contraseña ahora mismo.

recovery-code-used-subject = Se ha usado un código de recuperación
recovery-code-used-body = Alguien ha iniciado sesión en tu cuenta con uno de tus códigos de recuperación. Ese código ya no sirve.
recovery-code-used-note = Si no has sido tú, cambia tu contraseña ahora mismo. Si has perdido tu aplicación de autenticación, configúrala de nuevo.

new-device-subject = Tu cuenta se ha usado en un dispositivo nuevo
new-device-body = Tu cuenta se ha usado en un dispositivo que no habíamos visto antes: { $device }, desde la dirección IP { $address }, el { $time }.
new-device-note = Si no has sido tú, cambia tu contraseña y cierra las demás sesiones.

account-locked-subject = Tu cuenta está bloqueada
account-locked-body = Un administrador ha bloqueado tu cuenta de FinTrac. Se han cerrado todas las sesiones.
account-locked-note = No se ha perdido nada. Escribe a quien administra tu FinTrac para que la desbloquee.

account-throttled-subject = Muchas contraseñas incorrectas
account-throttled-body = Alguien ha escrito muchas veces una contraseña incorrecta para tu cuenta. Durante un tiempo, cada nuevo intento tendrá que esperar.
account-throttled-note = Si no has sido tú, tu contraseña te ha protegido. Si has sido tú y la has olvidado, pide una contraseña nueva.

account-deletion-subject = Tu cuenta se eliminará
account-deletion-body = Has pedido eliminar tu cuenta de FinTrac. El { $day } se borrarán todos tus datos para siempre.
account-deletion-note = Si cambias de idea, inicia sesión antes de ese día: así vuelve todo.

account-restored-subject = Tu cuenta se ha restaurado
account-restored-body = Has iniciado sesión, así que tu cuenta de FinTrac no se eliminará. Todo está como estaba.
account-restored-note = Si no has sido tú, cambia tu contraseña ahora mismo.

open-action = Abrir FinTrac
notification-note = ¿Demasiados correos como este? En tus preferencias decides cuáles recibes.
notification-footer = FinTrac envía este correo porque en tus preferencias están activados los correos sobre tu dinero, tus presupuestos y tus metas.
unsubscribe-action = Dejar de recibir correos de este tipo
